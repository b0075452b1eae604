/** One thing that a process did to a file, or said; in the order of the kernel. */
export type Operation =
  | { readonly kind: "create" | "unlink" | "sync"; readonly file: string }
  | { readonly kind: "write"; readonly file: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: "truncate"; readonly file: string; readonly length: number }
  | { readonly kind: "said"; readonly line: string }

const unescape = (text: string): Buffer => Buffer.from(text.replace(/\\x([0-9a-f]{2})/g, "$1"), "hex")
const nameOf = (path: string): string =>
  (path.includes("\\x") ? unescape(path).toString() : path).split("/").at(-1) ?? ""

const call = /^\d+ +(\w+)\((.*)\) += (-?\d+)/

/** Reads what `strace -f -y -xx` recorded; lines that are cut in two by another thread are put together again. */
export const parseTrace = (text: string, isOurs: (file: string) => boolean): ReadonlyArray<Operation> => {
  const begun = new Map<string, string>()
  const operations: Array<Operation> = []
  for (const raw of text.split("\n")) {
    const [pid = ""] = raw.split(" ", 1)
    let line = raw
    if (raw.endsWith("<unfinished ...>")) {
      begun.set(pid, raw.slice(0, -"<unfinished ...>".length))
      continue
    }
    const resumed = /^\d+ +<\.\.\. \w+ resumed>(.*)$/.exec(raw)
    if (resumed !== null) line = (begun.get(pid) ?? "") + (resumed[1] ?? "")
    const [, name = "", args = "", result = "-1"] = call.exec(line) ?? []
    if (Number(result) < 0) continue
    const file = nameOf(/^\d+<([^>]*)>/.exec(args)?.[1] ?? /"([^"]*)"/.exec(args)?.[1] ?? "")
    if (name === "write" && args.startsWith("1<")) {
      const said = unescape(/"([^"]*)"/.exec(args)?.[1] ?? "").toString()
      for (const text of said.split("\n").filter((part) => part !== "")) operations.push({ kind: "said", line: text })
    }
    if (!isOurs(file)) continue
    if (name === "pwrite64") {
      const [, data = "", offset = "0"] = /"([^"]*)", \d+, (\d+)$/.exec(args) ?? []
      operations.push({ kind: "write", file, offset: Number(offset), data: unescape(data).subarray(0, Number(result)) })
    } else if (name === "ftruncate") {
      operations.push({ kind: "truncate", file, length: Number(/, (\d+)$/.exec(args)?.[1] ?? "0") })
    } else if (name === "fsync" || name === "fdatasync") operations.push({ kind: "sync", file })
    else if (name === "unlink") operations.push({ kind: "unlink", file })
    else if (name === "openat" && args.includes("O_CREAT")) operations.push({ kind: "create", file })
  }
  return operations
}
