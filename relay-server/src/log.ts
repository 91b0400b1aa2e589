import { randomUUID } from 'node:crypto'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** The fields of a log line: ids, sizes, codes, times. Never a token, a claim or a byte of an entry. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** The same log, with these fields in every line. They tie together the lines of one request or session. */
  with(fields: LogFields): Log
}

/** Creates a log that writes one JSON object per line: `{"time","level","event",…}`. */
export function createLog(least: LogLevel, write: (line: string) => void = writeToStdout): Log {
  return new JsonLog(logLevels.indexOf(least), write, {})
}

/** A class for its prototype: there is one instance for every session. */
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
  // The last 48 bits of a UUID are all random, and Node draws UUIDs in stock.
  return randomUUID().slice(-12)
}

/** A path as a log line may show it: without the query, and without the rest of a gateway's path, which names a doc. */
export function loggedPath(path: string): string {
  const [name = ''] = path.split('?')
  return name.startsWith('/gateway/') ? '/gateway' : name.slice(0, 64)
}

/** An error's message for a log line. Our own errors hold no secret. */
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
