#!/usr/bin/env bash
# Copies Apache Kafka and what it needs into test/kafka/jars (git-ignored), as
# pom.xml names them. Does nothing when the jars of that pom are already there.
set -euo pipefail
cd "$(dirname "$0")"

stamp=jars/.pom.sha256
wanted=$(sha256sum < pom.xml)
if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
  echo "Kafka's jars are there already"
  exit 0
fi

# Into a folder of its own first: half a set of jars must not look like one.
rm -rf jars jars.part
mvn --batch-mode --quiet dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$PWD/jars.part"
mv jars.part jars
echo "$wanted" > "$stamp"
echo "fetched $(find jars -name '*.jar' | wc -l) jars"
