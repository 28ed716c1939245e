/** The public face of `millrace/client`. */
import "../check-node.js";

export type * from "./client.ts";
export {
  connect,
  type ConnectOptions,
  type EmbeddedBroker,
  type KafkaSasl,
} from "./connect.ts";
export { ClientError, type ClientErrorCode } from "./errors.ts";
export {
  type Decoder,
  type Encoder,
  type KeyOf,
  topic,
  type ValueOf,
} from "./topic.ts";
