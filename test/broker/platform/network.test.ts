import { LoopbackNetwork } from "../../../broker/platform/memory/loopback-network.ts";
import { NodeNetwork } from "../../../broker/platform/node/node-network.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { networkContract } from "./network-contract.ts";

networkContract("loopback", () => new LoopbackNetwork(new ManualClock()));
networkContract("TCP", () => new NodeNetwork());
