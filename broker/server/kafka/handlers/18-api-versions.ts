/**
 * ApiVersions (18): what the broker speaks, read from the one table.
 *
 * The response's header has version 0 in every version (`headers.ts`). No
 * feature is announced, so nothing has to be left out for clients that cannot
 * read a feature with minimum 0 (KAFKA-17011); the epoch of the finalized ones
 * is 0 and not -1, because clients ignore the whole list below 0.
 */
import { apis } from "../../../wire/kafka/apis.ts";
import type { ResponseOf } from "../../../wire/kafka/apis.ts";
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

/** What Kafka accepts as a client's name and version (KIP-511). */
const SOFTWARE_PATTERN = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

export const apiVersions = inOrder<18>((_operations, { request, version }) => {
  if (version >= 3 && !isNamed(request)) {
    return {
      errorCode: kafkaErrorCode("invalid-request"),
      apiKeys: [],
      throttleTimeMs: 0,
    };
  }
  return apiVersionsAnswer();
});

/** For a version nobody serves: error 35, and what is served, to be sent as version 0. */
export function unsupportedApiVersions(): ResponseOf<18> {
  return {
    ...apiVersionsAnswer(),
    errorCode: kafkaErrorCode("unsupported-version"),
  };
}

function apiVersionsAnswer(): ResponseOf<18> {
  return {
    errorCode: 0,
    apiKeys: Object.values(apis).map(({ key, advertised }) => ({
      apiKey: key,
      minVersion: advertised.first,
      maxVersion: advertised.last,
    })),
    throttleTimeMs: 0,
    finalizedFeaturesEpoch: 0,
  };
}

function isNamed(request: {
  readonly clientSoftwareName: string;
  readonly clientSoftwareVersion: string;
}): boolean {
  return (
    SOFTWARE_PATTERN.test(request.clientSoftwareName) &&
    SOFTWARE_PATTERN.test(request.clientSoftwareVersion)
  );
}
