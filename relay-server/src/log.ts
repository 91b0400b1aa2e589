export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What a line may tell: ids, sizes, codes, times. Never a token, a claim or anything of an entry's bytes. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

/** A log of one JSON object per line: `{"time","level","event",…}`. */
export function createLog(least: LogLevel, write: (line: string) => void = writeToStdout): Log {
  const from = logLevels.indexOf(least)
  const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (logLevels.indexOf(level) >= from) write(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** The words of an error for a log line: its message, of which no error of ours holds a secret. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function writeToStdout(line: string): void {
  process.stdout.write(`${line}\n`)
}
