import { Effect } from "effect"

const width = 30

/** A bar on the terminal's error stream; nothing where that is a file, or `wanted` is false. */
export const progressBar = (total: number, wanted: boolean) =>
  Effect.sync(() => {
    const { stderr } = process
    const write = (text: string): Effect.Effect<void> =>
      Effect.sync(() => {
        if (wanted && stderr.isTTY) stderr.write(text)
      })
    return {
      show: (done: number) => {
        const filled = total === 0 ? width : Math.round((width * done) / total)
        return write(`\r[${"#".repeat(filled)}${".".repeat(width - filled)}] ${done} of ${total} quarter-hours`)
      },
      clear: write("\r\u001b[2K"),
    }
  })
