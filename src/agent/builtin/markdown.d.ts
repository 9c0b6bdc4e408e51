// `import text from "./x.md" with { type: "text" }` embeds the file: in a clone and in the single executable alike.
declare module "*.md" {
  const text: string
  export default text
}
