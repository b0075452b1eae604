import type { SqlClient } from "@effect/sql"
import { Effect } from "effect"
import { StartupError } from "../process/index.ts"
import { SpoolDamaged } from "./Codes.ts"
import { columnDefinitions, columnNames } from "./Rows.ts"
import { counting } from "./Standing.ts"

const sampleRest = `not_before INTEGER NOT NULL DEFAULT 0, ${columnDefinitions})`
const quarantine = `CREATE TABLE quarantine (id INTEGER PRIMARY KEY, code TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL, ${columnDefinitions})`

const left = `CREATE TRIGGER sample_left AFTER DELETE ON sample BEGIN
  UPDATE state SET waiting = waiting - 1;
END`

/** The triggers keep `state` in the statement that adds or removes a row, so that the two never disagree. */
const samples = [
  `CREATE TABLE sample (id INTEGER PRIMARY KEY AUTOINCREMENT, ${sampleRest}`,
  quarantine,
  `CREATE TABLE state (waiting INTEGER NOT NULL, last_ts INTEGER, last_meter_stamp TEXT, last_meter TEXT)`,
  `INSERT INTO state (waiting) VALUES (0)`,
  `CREATE TRIGGER sample_taken AFTER INSERT ON sample BEGIN
     UPDATE state SET waiting = waiting + 1, last_ts = NEW.ts, last_meter_stamp = NEW.meter_stamp,
       last_meter = coalesce(NEW.meter, last_meter);
   END`,
  left,
]

const edgeState = [`CREATE TABLE edge_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`]

/** A sample that comes back under its old id, from the quarantine or a damaged file, is not the one taken last. */
const returning = [
  `ALTER TABLE state ADD COLUMN last_id INTEGER NOT NULL DEFAULT 0`,
  `UPDATE state SET last_id = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'sample'), 0)`,
  `DROP TRIGGER sample_taken`,
  `CREATE TRIGGER sample_taken AFTER INSERT ON sample BEGIN
     UPDATE state SET waiting = waiting + 1;
     UPDATE state SET last_id = NEW.id, last_ts = NEW.ts, last_meter_stamp = NEW.meter_stamp,
       last_meter = coalesce(NEW.meter, last_meter) WHERE last_id < NEW.id;
   END`,
]

/** How far each stage of thinning has come, and how many samples it let go. */
const thinning = [`CREATE TABLE thinning (stage INTEGER PRIMARY KEY, mark INTEGER NOT NULL, dropped INTEGER NOT NULL)`]

const damaged = [
  `CREATE TABLE salvage (file TEXT PRIMARY KEY, expected INTEGER, next_id INTEGER NOT NULL DEFAULT 0,
     salvaged INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
]

/** Each brings the file from one schema version to the next; what was released is never changed. */
export const steps: ReadonlyArray<ReadonlyArray<string>> = [
  samples,
  edgeState,
  returning,
  damaged,
  thinning,
  [`DROP TRIGGER sample_taken`, ...counting],
]
const schemaVersion = steps.length

/**
 * A new file. Unlike in one that has come through the steps, SQLite keeps no sequence of its own beside `last_id`:
 * that would be a second page for each sample.
 */
const created = [
  `CREATE TABLE sample (id INTEGER PRIMARY KEY, ${sampleRest}`,
  quarantine,
  `CREATE TABLE state (waiting INTEGER NOT NULL, last_id INTEGER NOT NULL, last_ts INTEGER, last_meter_stamp TEXT, last_meter TEXT)`,
  `INSERT INTO state (waiting, last_id) VALUES (0, 0)`,
  left,
  ...edgeState,
  ...damaged,
  ...thinning,
  ...counting,
]
const plausibleVersion = 1_000

/** Each fails where the schema is not what the version says. */
export const probes: ReadonlyArray<string> = [
  `SELECT not_before, ${columnNames} FROM sample LIMIT 0`,
  `SELECT code, message, at, ${columnNames} FROM quarantine LIMIT 0`,
  `SELECT waiting, last_id, last_ts, last_meter_stamp, last_meter FROM state LIMIT 0`,
  `SELECT key, value FROM edge_state LIMIT 0`,
  `SELECT file, expected, next_id, salvaged, lost, done FROM salvage LIMIT 0`,
  `SELECT stage, mark, dropped FROM thinning LIMIT 0`,
  `SELECT waiting, last_id, last_ts, last_meter_stamp, last_meter FROM standing LIMIT 0`,
]

/** Brings the file to this program's schema. Always a write, for a lock that only a write takes. */
export const migrate = Effect.fn("migrate")(function* (sql: SqlClient.SqlClient, filename: string) {
  const [row] = yield* sql<{ readonly userVersion: number }>`PRAGMA user_version`
  const found = row?.userVersion ?? 0
  if (found < 0 || found > plausibleVersion) return yield* new SpoolDamaged({ reason: `schema ${found}` })
  if (found > schemaVersion) {
    return yield* new StartupError({
      message: `The spool ${filename} was written by a newer version of this program (schema ${found}, this one knows ${schemaVersion}): run that version, or set DATA_DIR to another folder.`,
    })
  }
  for (const statement of found === 0 ? created : steps.slice(found).flat()) yield* sql.unsafe(statement)
  yield* sql.unsafe(`PRAGMA user_version = ${schemaVersion}`)
})
