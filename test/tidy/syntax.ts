/**
 * The syntax tree as the rules see it: nodes of one loose shape, and a walk
 * over all of them that knows which names are bound where it stands.
 */
import { parseSync, visitorKeys } from "oxc-parser";

/** Any node. The rules look at few kinds, and check `type` before they look further. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Parsed {
  readonly program: Node;
  readonly comments: readonly {
    readonly value: string;
    readonly start: number;
  }[];
}

export function isNode(value: unknown): value is Node {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    typeof value.type === "string"
  );
}

/** Throws on a file that does not parse: nothing can be said about it. */
export function parse(path: string, text: string): Parsed {
  const result = parseSync(path, text, { sourceType: "module" });
  const first = result.errors[0];
  if (first) throw new SyntaxError(`${path}: ${first.message}`);
  // Through `unknown`, as the parser's own types list every kind of node.
  const program: unknown = result.program;
  if (!isNode(program)) throw new Error(`${path}: no program`);
  return { program, comments: result.comments };
}

export function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (const key of visitorKeys[node.type] ?? []) {
    const value = node[key];
    if (Array.isArray(value)) children.push(...value.filter(isNode));
    else if (isNode(value)) children.push(value);
  }
  return children;
}

/** A node's child under a name, or null where it has none. */
export function child(node: Node, key: string): Node | null {
  const value = node[key];
  return isNode(value) ? value : null;
}

export function nodesIn(node: Node, key: string): Node[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function nameOf(node: Node | null): string | null {
  return node?.type === "Identifier" && typeof node["name"] === "string"
    ? node["name"]
    : null;
}

/** The text of a string literal or of a template without holes, else null. */
export function stringOf(node: Node | null): string | null {
  if (node?.type === "Literal" && typeof node["value"] === "string")
    return node["value"];
  if (
    node?.type === "TemplateLiteral" &&
    nodesIn(node, "expressions").length === 0
  ) {
    const value = nodesIn(node, "quasis")[0]?.["value"];
    if (typeof value === "object" && value !== null && "cooked" in value)
      return typeof value.cooked === "string" ? value.cooked : null;
  }
  return null;
}

export interface Visit {
  readonly node: Node;
  readonly parent: Node | null;
  /** True where an enclosing scope of the file declares the name. */
  readonly isBound: (name: string) => boolean;
}

/** Calls `visit` on each node, parents first. */
export function walk(root: Node, visit: (at: Visit) => void): void {
  const scopes: Set<string>[] = [];
  const isBound = (name: string) => scopes.some((scope) => scope.has(name));
  const step = (node: Node, parent: Node | null) => {
    const declared = declaredIn(node);
    if (declared) scopes.push(declared);
    visit({ node, parent, isBound });
    for (const next of childrenOf(node)) step(next, node);
    if (declared) scopes.pop();
  };
  step(root, null);
}

/** The names a node's own scope declares, or null for a node that opens none. */
function declaredIn(node: Node): Set<string> | null {
  const names = new Set<string>();
  switch (node.type) {
    case "Program":
    case "BlockStatement":
    case "FunctionBody":
    case "StaticBlock":
      for (const statement of nodesIn(node, "body")) declare(statement, names);
      return names;
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression": {
      for (const param of nodesIn(node, "params")) bindPattern(param, names);
      const params = child(node, "params");
      if (params)
        for (const param of nodesIn(params, "items")) bindPattern(param, names);
      const own = nameOf(child(node, "id"));
      if (own) names.add(own);
      return names;
    }
    case "CatchClause":
      bindPattern(child(node, "param"), names);
      return names;
    case "ForStatement":
      declareIfAny(child(node, "init"), names);
      return names;
    case "ForInStatement":
    case "ForOfStatement":
      declareIfAny(child(node, "left"), names);
      return names;
    case "SwitchStatement":
      for (const one of nodesIn(node, "cases"))
        for (const statement of nodesIn(one, "consequent"))
          declare(statement, names);
      return names;
    default:
      return null;
  }
}

function declareIfAny(node: Node | null, names: Set<string>): void {
  if (node) declare(node, names);
}

function declare(statement: Node, names: Set<string>): void {
  switch (statement.type) {
    case "VariableDeclaration":
      // `declare const process: ...` tells a type, and binds nothing.
      if (statement["declare"] === true) return;
      for (const one of nodesIn(statement, "declarations"))
        bindPattern(child(one, "id"), names);
      return;
    case "FunctionDeclaration":
    case "ClassDeclaration":
      bindPattern(child(statement, "id"), names);
      return;
    case "ImportDeclaration":
      for (const one of nodesIn(statement, "specifiers"))
        bindPattern(child(one, "local"), names);
      return;
    case "ExportNamedDeclaration":
      declareIfAny(child(statement, "declaration"), names);
      return;
  }
}

function bindPattern(pattern: Node | null, names: Set<string>): void {
  if (!pattern) return;
  const name = nameOf(pattern);
  if (name) names.add(name);
  switch (pattern.type) {
    case "ObjectPattern":
      for (const one of nodesIn(pattern, "properties"))
        bindPattern(
          child(one, one.type === "RestElement" ? "argument" : "value"),
          names,
        );
      return;
    case "ArrayPattern":
      for (const one of nodesIn(pattern, "elements")) bindPattern(one, names);
      return;
    case "AssignmentPattern":
      bindPattern(child(pattern, "left"), names);
      return;
    case "RestElement":
      bindPattern(child(pattern, "argument"), names);
      return;
  }
}
