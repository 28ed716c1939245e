import { expect, test } from "vitest";
import { apiOf, apis } from "../../../../broker/wire/kafka/apis.ts";

/** What clients in use need: docs/kafka-compatibility.md. */
const STAGE_1: Record<string, [key: number, first: number, last: number]> = {
  Produce: [0, 3, 11],
  Fetch: [1, 4, 13],
  ListOffsets: [2, 1, 7],
  Metadata: [3, 0, 12],
  OffsetCommit: [8, 2, 8],
  OffsetFetch: [9, 1, 8],
  FindCoordinator: [10, 0, 4],
  JoinGroup: [11, 0, 9],
  Heartbeat: [12, 0, 4],
  LeaveGroup: [13, 0, 4],
  SyncGroup: [14, 0, 5],
  DescribeGroups: [15, 0, 5],
  ListGroups: [16, 0, 4],
  ApiVersions: [18, 0, 4],
  CreateTopics: [19, 2, 7],
  DeleteTopics: [20, 1, 6],
  DeleteRecords: [21, 0, 2],
  InitProducerId: [22, 0, 4],
  OffsetForLeaderEpoch: [23, 2, 4],
  DescribeConfigs: [32, 1, 4],
  AlterConfigs: [33, 0, 2],
  CreatePartitions: [37, 0, 3],
  DeleteGroups: [42, 0, 2],
  IncrementalAlterConfigs: [44, 0, 1],
  OffsetDelete: [47, 0, 0],
  DescribeCluster: [60, 0, 1],
};

test("the table serves each API in exactly the versions that clients need", () => {
  const served = Object.values(apis).map(({ key, name, versions }) => [
    name,
    [key, versions.first, versions.last],
  ]);
  expect(Object.fromEntries(served)).toEqual(STAGE_1);
});

test("a row's place, key, name, request and response belong together", () => {
  for (const [
    place,
    { key, name, request, response, versions },
  ] of Object.entries(apis)) {
    expect(String(key)).toBe(place);
    expect(request.apiKey).toBe(key);
    expect(response.apiKey).toBe(key);
    expect(request.name).toBe(`${name}Request`);
    expect(response.name).toBe(`${name}Response`);
    expect(request.versions).toEqual(versions);
    expect(response.versions).toEqual(versions);
    expect(request.flexible).toEqual(response.flexible);
  }
});

test("Produce names version 0 though it serves none below 3, and no other API does the like", () => {
  expect(apis[0].advertised).toEqual({ first: 0, last: 11 });
  for (const { key, advertised, versions } of Object.values(apis)) {
    if (key !== 0) expect(advertised).toEqual(versions);
  }
});

test("an API that is not served is null, whatever the key", () => {
  expect(apiOf(3)).toBe(apis[3]);
  for (const key of [17, 4, -1, 32767, -32768]) expect(apiOf(key)).toBeNull();
});
