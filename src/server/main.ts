import { Command } from "@effect/cli"
import { runCommand, version } from "../infra/process/index.ts"
import { reached, reachedAsItIs, reachedToRepair } from "./Adapters.ts"
import { backup } from "./commands/Backup.ts"
import { db } from "./commands/DbStatus.ts"
import { devices } from "./commands/Devices.ts"
import { doctor } from "./commands/Doctor.ts"
import { health } from "./commands/Health.ts"
import { importFile } from "./commands/Import.ts"
import { maintain } from "./commands/Maintain.ts"
import { migrate } from "./commands/Migrate.ts"
import { peaks } from "./commands/Peaks.ts"
import { recompute } from "./commands/Recompute.ts"
import { restore } from "./commands/Restore.ts"
import { run, serve } from "./commands/Run.ts"
import { tokens } from "./commands/Tokens.ts"
import { port } from "./Environment.ts"
import { service } from "./Service.ts"

const program = Command.make("p1-api", {}, () => serve).pipe(
  Command.withDescription("The server: takes samples in, gives readings out"),
  Command.withSubcommands([
    run,
    maintain,
    health(port),
    Command.provide(devices, reached),
    Command.provide(tokens, reached),
    Command.provide(peaks, reached),
    Command.provide(importFile, reached),
    Command.provide(backup, reached),
    Command.provide(restore, reached),
    Command.provide(migrate, reachedAsItIs),
    Command.provide(recompute, reachedToRepair),
    Command.provide(db, reachedAsItIs),
    doctor,
  ]),
  Command.run({ name: service, version }),
)

runCommand(program)
