// What a process says as lines of JSON, as they come.

/** Those that are `worth` it are parsed; `next` takes the first that fits and all before it. */
export function linesOf<T>(stream: ReadableStream<Uint8Array>, worth = /./) {
  let count = 0
  const lines = (async function* () {
    const decoder = new TextDecoder()
    let rest = ""
    for await (const chunk of stream) {
      count += chunk.length
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n")
      rest = parts.pop() ?? ""
      for (const part of parts) if (worth.test(part)) yield JSON.parse(part) as T
    }
  })()
  return {
    bytes: () => count,
    next: async (fits: (line: T) => boolean): Promise<T> => {
      for (;;) {
        const { done, value } = await lines.next()
        if (done) throw new Error("the output ended before the line that was waited for")
        if (fits(value)) return value
      }
    },
  }
}
