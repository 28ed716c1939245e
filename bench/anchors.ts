/**
 * What others need for the same, measured once on a 2-core virtual machine:
 * ratios in one run count, not these absolutes. CPU seconds are the server's.
 */
export interface Anchor {
  readonly kafka: string;
  readonly kfake: string;
  readonly floor: string;
  readonly goal: string;
}

export const anchors = {
  produce10: { kafka: "0.16-0.22", kfake: "0.13", floor: "", goal: "0.10" },
  produce100: { kafka: "0.98", kfake: "0.52", floor: "0.05", goal: "0.30" },
  produce1000: { kafka: "7.7", kfake: "3.5", floor: "0.5", goal: "1.5" },
  fetch: { kafka: "0.69-0.89", kfake: "3.4", floor: "0.27", goal: "0.40" },
  /** One Java producer and consumer, over TCP: nothing else does it in process. */
  records100: {
    kafka: "0.47 M, 3.4 M",
    kfake: "0.59 M, 1.9 M",
    floor: "",
    goal: "",
  },
  records1000: {
    kafka: "0.09 M, 0.6 M",
    kfake: "0.15 M, 0.2 M",
    floor: "",
    goal: "",
  },
  embeddedFirstAckMs: { kafka: "", kfake: "", floor: "", goal: "10" },
  firstAckMs: { kafka: "2,100", kfake: "12-70", floor: "", goal: "100" },
  idleMb: { kafka: "380", kfake: "10", floor: "", goal: "63" },
  none: { kafka: "", kfake: "", floor: "", goal: "" },
} as const satisfies Record<string, Anchor>;
