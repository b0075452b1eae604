import type { Stats } from "node:fs"
import { readFile, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { Effect, Option } from "effect"
import { attempt, hasCode } from "./Attempt.ts"

/** The system's user that PostgreSQL runs as, where it may not run as ours. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const nobody: Account = { name: "nobody", uid: 65_534, gid: 65_534 }

const accountNamed = (passwd: string, name: string): Option.Option<Account> =>
  Option.fromNullable(
    passwd
      .split("\n")
      .map((line) => line.split(":"))
      .find((fields) => fields[0] === name),
  ).pipe(Option.map(([, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) })))

/** PostgreSQL refuses to run as root: then it runs as the user `postgres` or, where there is none, as nobody. */
export const serverAccount: Effect.Effect<Option.Option<Account>> = Effect.suspend(() =>
  process.getuid?.() === 0
    ? Effect.tryPromise(() => readFile("/etc/passwd", "utf8")).pipe(
        Effect.orElseSucceed(() => ""),
        Effect.map((passwd) => Option.orElseSome(accountNamed(passwd, "postgres"), () => nobody)),
      )
    : Effect.succeedNone,
)

const mayEnter = (account: Account, { uid, gid, mode }: Stats): boolean =>
  (mode & (uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001)) !== 0

const ancestors = (path: string): ReadonlyArray<string> =>
  dirname(path) === path ? [path] : [path, ...ancestors(dirname(path))]

/** Whether an account may enter a path and all folders above it, those that exist. */
export const canReach = (account: Account, path: string) =>
  Effect.every(ancestors(path), (folder) =>
    attempt(`Cannot look at ${folder}`, () =>
      stat(folder).then(
        (stats) => mayEnter(account, stats),
        (cause: unknown) => {
          if (hasCode("ENOENT")(cause)) return true
          throw cause
        },
      ),
    ),
  )
