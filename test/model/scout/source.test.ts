import { expect, test } from "bun:test"
import { definitionIn, isComment, scopes, trustOf } from "../../../src/model/scout/source.ts"
import { processorMs } from "../../../testing/harness.ts"

const definitions: [path: string, line: string, symbol: string][] = [
  ["a.ts", "export async function startServer(port: number) {", "startServer"],
  ["a.ts", "export default class Server extends Base {", "Server"],
  ["a.ts", "export interface ServerOptions {", "ServerOptions"],
  ["a.ts", "export const retry = async () => {", "retry"],
  ["a.ts", "  private async drain(inbox: Inbox): Promise<void> {", "drain"],
  ["a.ts", "  const handler = (event) => {", "handler"],
  ["a.js", "res.send = function send(body) {", "send"],
  ["a.js", "module.exports.parse = parse", "parse"],
  ["a.js", "function isStream (obj) {", "isStream"],
  ["a.py", "    async def fetch_all(self, url):", "fetch_all"],
  ["a.py", "class Worker(Thread):", "Worker"],
  ["a.go", "func (s *Server) ListenAndServe() error {", "ListenAndServe"],
  ["a.go", "type Config struct {", "Config"],
  ["a.rs", "pub(crate) fn parse_header(line: &str) -> Header {", "parse_header"],
  ["a.rs", "pub trait Encoder {", "Encoder"],
  ["A.java", "    public static List<String> readLines(Path path) throws IOException {", "readLines"],
  ["a.cs", "    protected override void OnStart(string[] args)", "OnStart"],
  ["a.c", "static int parse_args(int argc, char **argv)", "parse_args"],
  ["a.cpp", "void Server::listen(int port)", "listen"],
  ["a.h", "#define MAX_RETRIES 5", "MAX_RETRIES"],
  ["a.rb", "  def self.find_by_name(name)", "find_by_name"],
  ["a.php", "    public function handleRequest($request)", "handleRequest"],
  ["a.sh", "cleanup() {", "cleanup"],
  ["a.sql", "CREATE TABLE IF NOT EXISTS users (", "users"],
]

test("definitions are recognised in many languages", () => {
  for (const [path, line, symbol] of definitions)
    expect({ line, symbol: definitionIn(path, line)?.symbol }).toEqual({ line, symbol })
})

test("calls, control flow, local variables and comments define nothing", () => {
  const others = [
    "  if (ready) {",
    "    while (true) {",
    "  } catch (error) {",
    "  startServer(8080)",
    '  it("does something", async () => {',
    "    const total = a + b",
    "// function commented() {",
    "  return start(port)",
    "import { start } from './start.js'",
    "",
  ]
  for (const line of others) expect({ line, found: definitionIn("a.ts", line) }).toEqual({ line, found: undefined })
})

test("what was generated or copied in is worth less than tests and documents, and those less than source", () => {
  const worth = ["src/a.ts", "types/a.d.ts", "test/a.ts", "README.md", "dist/a.js"].map(trustOf)
  expect(worth).toEqual(worth.toSorted((a, b) => b - a))
  expect(new Set(worth).size).toBe(5)
  expect(trustOf("src/session/history.ts")).toBe(1)
  expect(trustOf("History.md")).toBe(0.1)
})

test("comments of common languages are told from code", () => {
  for (const line of ["// a", "  /** a", "   * a", "# a", "-- a"]) expect(isComment(line)).toBe(true)
  for (const line of ["a // b", "#define A 1", "#[test]", "x * y", "--x"]) expect(isComment(line)).toBe(false)
})

test("a line made to be slow is read in no time", () => {
  const hostile = [
    "export ".repeat(85),
    "a".repeat(600),
    " ".repeat(600),
    "a.".repeat(300),
    "public static ".repeat(43),
    "(".repeat(600),
    "w ".repeat(300),
  ]
  const took = processorMs(() => {
    for (const line of hostile) for (const path of ["a.ts", "a.java"]) definitionIn(path, line)
  })
  expect(took).toBeLessThan(1000)
})

test("a glob has no more alternatives than the Grep tool takes", () => {
  for (const glob of Object.values(scopes)) expect(glob.split(",").length).toBeLessThan(60)
})
