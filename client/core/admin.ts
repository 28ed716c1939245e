/**
 * Administration as every driver offers it, where brokers' answers say less
 * than they mean: a group that does not exist is described as a dead one, and a
 * commit from outside into a group with members is refused as a stranger's.
 */
import type { Admin } from "../client.ts";
import { ClientError } from "../errors.ts";
import { mustBeName, mustBeNewTopic } from "./checked-arguments.ts";
import { refused } from "./refusal.ts";

/** What a coordinator answers whoever is no member of a group that has some. */
const STRANGER_ANSWERS: ReadonlySet<string | null> = new Set([
  "unknown-member-id",
  "illegal-generation",
  "rebalance-in-progress",
]);

export function createAdmin(admin: Admin): Admin {
  return {
    describeCluster: () => admin.describeCluster(),
    listTopics: (options) => admin.listTopics(options),
    describeTopic: async (name) => {
      mustBeName(name, "describeTopic");
      return admin.describeTopic(name);
    },
    createTopic: async (topic) => {
      mustBeNewTopic(topic);
      return admin.createTopic(topic);
    },
    deleteTopic: async (name) => {
      mustBeName(name, "deleteTopic");
      return admin.deleteTopic(name);
    },
    createPartitions: async (topic, count) => {
      mustBeName(topic, "createPartitions");
      return admin.createPartitions(topic, count);
    },
    offsetsAt: (partitions) => admin.offsetsAt(partitions),
    listGroups: () => admin.listGroups(),
    describeGroup: async (group) => {
      const description = await admin.describeGroup(group);
      if (description.state !== "Dead") return description;
      throw refused(`describing ${group}`, "group-id-not-found");
    },
    resetGroup: async (group, offsets) => {
      try {
        await admin.resetGroup(group, offsets);
      } catch (error) {
        const hasMembers =
          error instanceof ClientError && STRANGER_ANSWERS.has(error.answer);
        if (!hasMembers) throw error;
        throw refused(
          `resetting ${group}`,
          "non-empty-group",
          "it has members",
        );
      }
    },
    deleteGroup: (group) => admin.deleteGroup(group),
  };
}
