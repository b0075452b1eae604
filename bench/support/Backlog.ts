import BetterSqlite3 from "better-sqlite3"

const derived: Readonly<Record<string, string>> = {
  ts: "ts - (? - i) * 1000",
  received_at: "received_at - (? - i) * 1000",
  power_w: "power_w + i % 500",
  energy_import_kwh: "round(energy_import_kwh - (? - i) * 0.0003, 3)",
}

/** Puts so many samples into an edge's spool that look like its last one, a second apart and up to it. */
export const fillSpool = (filename: string, samples: number): void => {
  const database = new BetterSqlite3(filename)
  const info = database.pragma("table_info(sample)") as ReadonlyArray<{ readonly name: string }>
  const columns = info.map(({ name }) => name).filter((name) => name !== "id" && name !== "meter")
  const values = columns.map((name) => derived[name] ?? name)
  const parameters = values.filter((value) => value.includes("?")).map(() => samples)
  database.pragma("synchronous = OFF")
  database
    .prepare(
      `WITH RECURSIVE second(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM second WHERE i < ?)
       INSERT INTO sample (${columns.join(", ")})
       SELECT ${values.join(", ")} FROM (SELECT * FROM sample ORDER BY id DESC LIMIT 1), second`,
    )
    .run(samples, ...parameters)
  database.pragma("wal_checkpoint(TRUNCATE)")
  database.close()
}

/** Single rows a second that SQLite itself commits to this disk, in as many columns, with `synchronous=FULL`. */
export const bareCommits = (filename: string, columns: number, rows: number): number => {
  const database = new BetterSqlite3(filename)
  database.pragma("journal_mode = WAL")
  database.pragma("synchronous = FULL")
  const names = Array.from({ length: columns }, (_, n) => `c${n}`)
  database.exec(`CREATE TABLE bare (id INTEGER PRIMARY KEY AUTOINCREMENT, ${names.join(", ")})`)
  const insert = database.prepare(`INSERT INTO bare (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`)
  const values = names.map((_, n) => 1000.5 + n)
  const startedMs = performance.now()
  for (let row = 0; row < rows; row++) insert.run(values)
  const tookS = (performance.now() - startedMs) / 1000
  database.close()
  return rows / tookS
}
