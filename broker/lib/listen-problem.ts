/** Why nothing can be listened on at an address, in words for whoever chose it. */

/** By the system's name of the error; null: it has no better words than its own. */
export function listenProblem(code: string): string | null {
  switch (code) {
    case "EADDRINUSE":
      return "the port is taken; choose another one, or 0 for any";
    case "EADDRNOTAVAIL":
      return "no interface of this machine has that address (EADDRNOTAVAIL)";
    case "EACCES":
      return "this user may not listen on that port; choose one above 1023";
    case "ENOTFOUND":
      return "there is no host of that name (ENOTFOUND)";
    default:
      return null;
  }
}
