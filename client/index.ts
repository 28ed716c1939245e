/** The public face of `millrace/client`. */
import "../check-node.js";

export type * from "./client.ts";
export { ClientError, type ClientErrorCode } from "./errors.ts";
export {
  type Decoder,
  type Encoder,
  type KeyOf,
  topic,
  type ValueOf,
} from "./topic.ts";
