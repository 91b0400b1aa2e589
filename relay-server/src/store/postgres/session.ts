import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { locks } from './append.js'
import {
  ask,
  connect,
  connectionTo,
  flagOf,
  numberOf,
  type PostgresRow,
  type PostgresValue,
  sessionSql,
  type PostgresStatement,
  textOf,
} from './connection.js'
import { channel } from './hints.js'
import { findVersion, refuseOtherVersion, schemaSql } from './schema.js'

/** The incarnation of the database that this process knows, and the copy of the data for which it was drawn. */
export interface Known {
  readonly incarnation: number
  readonly copy: string
}

/** Connections that patient readers leave free. */
const reservedConnections = 2

const statements = {
  copy: { name: 'copy', text: 'SELECT entente.copy() AS copy' },
  incarnation: { name: 'incarnation', text: 'SELECT entente.find_incarnation($1, $2, $3, $4) AS incarnation' },
  settings: { name: 'server', text: "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages" },
  lockAlone: { name: 'alone', text: `SELECT pg_try_advisory_lock(${locks.relays}) AS alone` },
  lockShared: { name: 'shared', text: `SELECT pg_advisory_lock_shared(${locks.relays})` },
  unlockAlone: { name: 'unlock', text: `SELECT pg_advisory_unlock(${locks.relays})` },
} as const

/**
 * The time between connecting to the database and losing it. One connection, the line, lives as long as the session and holds a lock that relays share. A relay
 * that finds no holder of the lock knows that every relay was cut off and the data may have been replaced, so it draws a new incarnation (rule RS4). When the
 * line breaks, the session ends with all its connections: none of them may reach other data than the line did.
 */
export class PostgresSession {
  readonly #line: pg.Client
  readonly #pool: pg.Pool
  #known: Known
  #isOver = false
  readonly #mostInTurn: number
  readonly #turns: (() => void)[] = []
  #inTurn = 0
  readonly #whenOver: () => void

  private constructor(line: pg.Client, url: string, connections: number, known: Known, whenOver: () => void) {
    this.#line = line
    this.#pool = poolOf(url, connections, () => this.#known.copy)
    this.#known = known
    this.#whenOver = whenOver
    this.#mostInTurn = Math.max(1, connections - reservedConnections)
    line.once('end', () => this.end())
    this.#pool.on('error', () => {})
  }

  /**
   * @param receive is called with each notification; `whenOver` is called once, when the session has ended
   * @throws Error when the database cannot be reached, may lose what it acknowledged by its settings, or is of another version
   */
  static async open(
    url: string,
    connections: number,
    before: Known | undefined,
    receive: (payload: string) => void,
    whenOver: () => void,
  ): Promise<PostgresSession> {
    const line = await connect(url)
    line.on('notification', ({ payload }) => receive(payload ?? ''))
    try {
      await line.query(sessionSql)
      await refuseUnsafe(line)
      await makeSchema(line)
      await line.query(`LISTEN ${channel}`)
      const known = await findIncarnation(line, before)
      // Notifications need not wait for the disk.
      await line.query('SET synchronous_commit = off')
      return new PostgresSession(line, url, connections, known, whenOver)
    } catch (error) {
      await line.end().catch(() => {})
      throw error
    }
  }

  get known(): Known {
    return this.#known
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Reads the present incarnation over the existing connections. @param disproved the one in whose place another is due, if any */
  async look(disproved?: Known): Promise<Known> {
    this.#known = await presentIncarnation(this.#line, disproved ?? this.#known, disproved !== undefined)
    return this.#known
  }

  /** Runs a statement on one of the connections. */
  async ask(statement: PostgresStatement, values: readonly PostgresValue[]): Promise<readonly PostgresRow[]> {
    return this.use((client) => ask(client, statement, values))
  }

  /** Runs a statement that may wait. Such statements never take all connections, so commits do not queue behind readers. */
  async askInTurn(statement: PostgresStatement, values: readonly PostgresValue[]): Promise<readonly PostgresRow[]> {
    if (this.#inTurn >= this.#mostInTurn) await new Promise<void>((resolve) => this.#turns.push(resolve))
    else this.#inTurn++
    try {
      return await this.ask(statement, values)
    } finally {
      const next = this.#turns.shift()
      if (next) next()
      else this.#inTurn--
    }
  }

  /** Runs a statement on the line, which also detects its loss. */
  async askLine(statement: PostgresStatement, values: readonly PostgresValue[]): Promise<readonly PostgresRow[]> {
    try {
      return await ask(this.#line, statement, values)
    } catch (error) {
      this.end()
      throw error
    }
  }

  /** Lends a connection. A connection that broke, or has an open transaction, is not lent again. */
  async use<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect()
    try {
      const result = await work(client)
      client.release()
      return result
    } catch (error) {
      const isWell = error instanceof pg.DatabaseError && error.severity !== 'FATAL' && client.getTransactionStatus() === 'I'
      client.release(!isWell)
      throw error
    }
  }

  /** Ends the session; statements in flight on its connections finish. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#whenOver()
    void this.#pool.end().catch(() => {})
    void this.#line.end().catch(() => {})
  }

  /** Ends the session and resolves when its connections are closed. */
  async close(): Promise<void> {
    this.#isOver = true
    await this.#pool.end().catch(() => {})
    await this.#line.end().catch(() => {})
  }
}

/** Reads the present incarnation of this copy of the data, or draws it. */
async function presentIncarnation(client: pg.ClientBase, before: Known | undefined, draws: boolean): Promise<Known> {
  const candidate = Number(randomBytes(8).readBigUInt64BE() >> 11n)
  const [row] = await ask(client, statements.incarnation, [draws, before?.incarnation ?? null, before?.copy ?? null, candidate])
  const [copy] = await ask(client, statements.copy, [])
  return { incarnation: numberOf(row, 'incarnation'), copy: textOf(copy, 'copy') }
}

async function findIncarnation(line: pg.Client, before: Known | undefined): Promise<Known> {
  const [row] = await ask(line, statements.lockAlone, [])
  const isAlone = flagOf(row, 'alone')
  // A relay that is not alone waits here for another that may be drawing.
  if (!isAlone) await ask(line, statements.lockShared, [])
  const known = await presentIncarnation(line, isAlone ? undefined : before, isAlone)
  if (!isAlone) return known
  await ask(line, statements.lockShared, [])
  await ask(line, statements.unlockAlone, [])
  return known
}

function poolOf(url: string, connections: number, copy: () => string): pg.Pool {
  return new pg.Pool({
    ...connectionTo(url),
    max: connections,
    idleTimeoutMillis: 0,
    // Not in `verify`: the pool would give a verified connection to a call that gave up meanwhile, and never get it back.
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for the promise, which its types do not say
    onConnect: (client) => prepare(client, copy()),
  })
}

/** Checks a connection made later than the line: it may reach another server, or the same one after a change of its data. @throws Error if it does */
async function prepare(client: pg.ClientBase, copy: string): Promise<void> {
  client.on('error', () => {})
  await client.query(sessionSql)
  const [row] = await ask(client, statements.copy, [])
  if (textOf(row, 'copy') !== copy) throw new Error('The database was replaced meanwhile.')
}

async function refuseUnsafe(line: pg.Client): Promise<void> {
  const [row] = await ask(line, statements.settings, [])
  for (const [name, setting] of [
    ['fsync', 'fsync'],
    ['pages', 'full_page_writes'],
  ] as const) {
    if (textOf(row, name) !== 'on')
      throw new Error(
        `The database server runs with ${setting} = off and may lose what it acknowledged; switch it on, then start the relay.`,
      )
  }
}

async function makeSchema(line: pg.Client): Promise<void> {
  await line.query(`SELECT pg_advisory_lock(${locks.schema})`)
  try {
    const version = await findVersion(line)
    if (version === undefined) await line.query(`BEGIN; ${schemaSql(randomBytes(32).toString('hex'))} COMMIT`)
    else refuseOtherVersion(version)
  } finally {
    await line.query(`SELECT pg_advisory_unlock(${locks.schema})`).catch(() => {})
  }
}
