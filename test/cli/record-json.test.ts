import { describe, expect, test } from "vitest";
import { CliFailure } from "../../cli/failure.ts";
import { formatJsonRecord, parseJsonRecord } from "../../cli/record-json.ts";
import { formatRecord, parseFormat } from "../../cli/record-format.ts";
import type { RawRecord } from "../../client/index.ts";

const text = (content: string) => new TextEncoder().encode(content);

function record(fields: Partial<RawRecord> = {}): RawRecord {
  const headerList = fields.headerList ?? [];
  return {
    topic: "t",
    partition: 3,
    offset: 7,
    timestamp: 1000,
    timestampType: "CreateTime",
    key: text("k"),
    value: text("v"),
    headers: new Map(headerList.map(({ name, value }) => [name, value])),
    headerList,
    ...fields,
  };
}

describe("records as JSON", () => {
  test("come back as they went, whatever their bytes", () => {
    const records = [
      record(),
      record({ key: null, value: null }),
      record({ value: new Uint8Array([0xff, 0, 0xfe]) }),
      record({ value: text('line\nbreak \u{1f600} "quoted"') }),
      record({
        headerList: [
          { name: "a", value: text("1") },
          { name: "a", value: null },
          { name: "b", value: new Uint8Array([0xc3]) },
        ],
      }),
    ];
    for (const one of records) {
      const line = formatJsonRecord(one);
      expect(line).not.toContain("\n");
      const back = parseJsonRecord(text(line), "line 1");
      expect({ ...back, key: back.key && [...back.key] }).toMatchObject({
        key: one.key && [...one.key],
        partition: 3,
        timestamp: 1000,
      });
      expect(back.value && [...back.value]).toEqual(
        one.value && [...one.value],
      );
      expect(
        back.headers.map(({ name, value }) => [name, value && [...value]]),
      ).toEqual(
        one.headerList.map(({ name, value }) => [name, value && [...value]]),
      );
    }
  });

  test("may have any JSON for a value and an object for headers", () => {
    const parsed = parseJsonRecord(
      text('{"value":{"a":[1]},"headers":{"h":"x"}}'),
      "line 1",
    );
    expect(String(Buffer.from(parsed.value ?? []))).toBe('{"a":[1]}');
    expect(parsed.key).toBeNull();
    expect(parsed.headers).toMatchObject([{ name: "h" }]);
    expect(parsed).not.toHaveProperty("partition");
  });

  test.each([
    "",
    "{",
    "[]",
    "null",
    '"v"',
    '{"headers":[1]}',
    '{"headers":"h"}',
    '{"partition":-1}',
    '{"timestamp":"now"}',
    '{"valeu":"v"}',
  ])("refuse %j and name the line", (line) => {
    const parse = () => parseJsonRecord(text(line), "line 9");
    expect(parse).toThrow(CliFailure);
    expect(parse).toThrow(/line 9/);
  });
});

describe("records by a format", () => {
  const print = (format: string, one: RawRecord) =>
    Buffer.concat(formatRecord(parseFormat(format), one)).toString("latin1");

  test("have every letter", () => {
    const one = record({
      headerList: [
        { name: "a", value: text("1") },
        { name: "b", value: null },
      ],
    });
    expect(print("%t/%p@%o %T %k=%s (%K,%S) %h%%\\n", one)).toBe(
      "t/3@7 1000 k=v (1,1) a=1,b=NULL%\n",
    );
  });

  test("have bytes as they are, and null as nothing of size -1", () => {
    const one = record({ key: null, value: new Uint8Array([0xff, 0]) });
    expect(print("%k|%K|%s", one)).toBe("|-1|\u00ff\u0000");
  });

  test.each(["%", "%x", "a%"])("refuse %j", (format) => {
    expect(() => parseFormat(format)).toThrow(/stands for nothing/);
  });
});
