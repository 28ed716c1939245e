/** Subscribe, credit, unsubscribe: for the connection's subscriptions. */
import { answered, inOrder } from "../handler.ts";

export const subscribe = inOrder<"subscribe">(
  (_operations, { context, request, subscriptions }) =>
    subscriptions.subscribe(context, request) ?? answered({}),
);

export const credit = inOrder<"credit">(
  (_operations, { request, subscriptions }) => {
    subscriptions.credit(request);
    return null;
  },
);

export const unsubscribe = inOrder<"unsubscribe">(
  (_operations, { request, subscriptions }) => {
    subscriptions.unsubscribe(request.subscription);
    return answered({});
  },
);
