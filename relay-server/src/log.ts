import { randomUUID } from 'node:crypto'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What a line may tell: ids, sizes, codes, times. Never a token, a claim or anything of an entry's bytes. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** The same log, whose every line carries these fields too: by them the lines of one request or session are found again. */
  with(fields: LogFields): Log
}

/** A log of one JSON object per line: `{"time","level","event",…}`. */
export function createLog(least: LogLevel, write: (line: string) => void = writeToStdout): Log {
  return new JsonLog(logLevels.indexOf(least), write, {})
}

/** Methods on the prototype, as there is one of these for every session. */
class JsonLog implements Log {
  readonly #from: number
  readonly #write: (line: string) => void
  readonly #carried: LogFields

  constructor(from: number, write: (line: string) => void, carried: LogFields) {
    this.#from = from
    this.#write = write
    this.#carried = carried
  }

  debug(event: string, fields?: LogFields): void {
    this.#line('debug', event, fields)
  }

  info(event: string, fields?: LogFields): void {
    this.#line('info', event, fields)
  }

  warn(event: string, fields?: LogFields): void {
    this.#line('warn', event, fields)
  }

  error(event: string, fields?: LogFields): void {
    this.#line('error', event, fields)
  }

  with(fields: LogFields): Log {
    return new JsonLog(this.#from, this.#write, { ...this.#carried, ...fields })
  }

  #line(level: LogLevel, event: string, fields: LogFields | undefined): void {
    if (logLevels.indexOf(level) < this.#from) return
    this.#write(JSON.stringify({ time: new Date().toISOString(), level, event, ...this.#carried, ...fields }))
  }
}

/** A short random id for a request or session: 48 bits are enough to tell those of one log apart. */
export function randomId(): string {
  // Of a UUID, which Node draws in stock, the last 48 bits are all random.
  return randomUUID().slice(-12)
}

/** A path as a line may tell it: without its query, and without a gateway's, which names what is read there. */
export function loggedPath(path: string): string {
  const [name = ''] = path.split('?')
  return name.startsWith('/gateway/') ? '/gateway' : name.slice(0, 64)
}

/** The words of an error for a log line: its message, of which no error of ours holds a secret. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function writeToStdout(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Lets work go its way, and warns where it fails. */
export function orWarn(log: Log, event: string, work: Promise<void>): void {
  work.catch((error: unknown) => log.warn(event, { reason: reasonOf(error) }))
}
