import pg from 'pg'

/** A row of PostgreSQL, with every value as text. */
export type PostgresRow = Readonly<Record<string, string | null>>

/** A parameter of a query. The driver sends a lone Buffer as it is. */
export type PostgresValue = string | number | boolean | Buffer | null

/** A statement, prepared once per connection under its name. */
export interface PostgresStatement {
  readonly name: string
  readonly text: string
}

const asText = { getTypeParser: () => (value: string) => value }

/** Times in ms. */
export const patience = { connect: 3_000, statement: 5_000, answer: 8_000, lock: 4_000 } as const

/**
 * The settings of every connection. Commits wait for the disk, whatever the server's default. All statements go along primary keys; a plan made while a table
 * was small must not scan it later.
 */
export const sessionSql = `
  SET synchronous_commit = on; SET statement_timeout = ${patience.statement}; SET lock_timeout = ${patience.lock};
  SET idle_in_transaction_session_timeout = ${patience.answer}; SET default_transaction_isolation = 'read committed'; SET jit = off;
  SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
  SET bytea_output = hex; SET client_min_messages = warning; SET search_path = pg_catalog`

/** Settings of a connection, or of each of a pool, to the database at `url`. */
export function connectionTo(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'entente-relay',
    keepAlive: true,
    connectionTimeoutMillis: patience.connect,
    query_timeout: patience.answer,
  }
}

/** @throws Error with the reason when the database cannot be reached */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(connectionTo(url))
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (cause) {
    const { message, code } = cause as Error & { readonly code?: string }
    throw new Error(`The database cannot be reached: ${message || code}.`, { cause })
  }
}

/** Runs one prepared statement. @returns its rows */
export async function ask(
  client: pg.ClientBase,
  statement: PostgresStatement,
  values: readonly PostgresValue[],
): Promise<readonly PostgresRow[]> {
  const result = await client.query<Record<string, string | null>>({ ...statement, values: [...values], types: asText })
  return result.rows
}

export function numberOf(row: PostgresRow | undefined, column: string): number {
  const value = Number(textOf(row, column))
  if (!Number.isSafeInteger(value)) throw corrupt()
  return value
}

export function textOf(row: PostgresRow | undefined, column: string): string {
  const value = row?.[column]
  if (typeof value !== 'string') throw corrupt()
  return value
}

/** Decodes a value in hex, as `bytea_output` produces it: the driver reads every value as text, so raw bytes are not possible. */
export function bytesOf(row: PostgresRow | undefined, column: string): Uint8Array {
  const buffer = Buffer.from(textOf(row, column).slice(2), 'hex')
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

export function flagOf(row: PostgresRow | undefined, column: string): boolean {
  return textOf(row, column) === 't'
}

/** Encodes a list as a PostgreSQL array of numbers, flags, or texts without quotes and backslashes (names of feeds, orgs and keys have none). */
export function listOf(values: readonly (string | number | boolean | null)[]): string {
  return `{${values.map((value) => (typeof value === 'string' ? `"${value}"` : String(value))).join(',')}}`
}

function corrupt(): Error {
  return new Error('The database holds something else where a value of the relay belongs; run a check on it.')
}
