import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chownSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** Where distributions install the server's programs, which are not on the path. */
const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/16/bin']
const user = 'entente'

/**
 * A PostgreSQL server for tests, with its data in a temporary directory and a unix socket there as its only entrance. What it acknowledges is on disk (`fsync`
 * stays on). PostgreSQL refuses to run as root, so a test run by root starts it as the user `postgres`.
 */
export class TestPostgres {
  readonly #programs: string
  readonly #directory: string
  readonly #settings: readonly string[]
  #server: ChildProcess | undefined
  #databases = 0
  #copies = 0

  private constructor(programs: string, directory: string, settings: readonly string[]) {
    this.#programs = programs
    this.#directory = directory
    this.#settings = settings
  }

  /**
   * @param settings of the server, such as `max_connections=50`
   * @throws Error when the programs are missing; the message says how to install them
   */
  static async start(settings: readonly string[] = []): Promise<TestPostgres> {
    const programs = findPrograms()
    const directory = await mkdtemp(join(tmpdir(), 'entente-pg-'))
    const { uid, gid } = account()
    if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid)
    const server = new TestPostgres(programs, directory, settings)
    server.#run('initdb', ['-D', server.#data, '-U', user, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions', '--no-sync'])
    await server.startAgain()
    return server
  }

  /** The URL of a database, by default of the one that always exists. */
  url(database = 'postgres'): string {
    return `postgresql:///${database}?host=${this.#directory}&user=${user}`
  }

  /** Creates a database, empty or as a copy of another (which must have no connections). @returns its name */
  async newDatabase(template = 'template0'): Promise<string> {
    const name = `test_${++this.#databases}`
    await this.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY ${template === 'template0' ? 'wal_log' : 'file_copy'}`)
    return name
  }

  /** Runs one statement on a connection of its own. @returns the rows */
  async query(sql: string, database = 'postgres'): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url(database) })
    client.on('error', () => {})
    await client.connect()
    try {
      const result = await client.query<Record<string, unknown>>(sql)
      return result.rows
    } finally {
      await client.end()
    }
  }

  /** Starts the server over its existing data. Resolves when it takes connections. */
  async startAgain(): Promise<void> {
    const settings = ['listen_addresses=', `unix_socket_directories=${this.#directory}`, ...this.#settings]
    const options = settings.flatMap((setting) => ['-c', setting])
    const server = spawn(join(this.#programs, 'postgres'), ['-D', this.#data, ...options], this.#how('ignore'))
    this.#server = server
    process.once('exit', this.#atExit)
    for (const end = Date.now() + 30_000; ;) {
      try {
        await this.query('SELECT 1')
        return
      } catch (error) {
        if (server.exitCode !== null || Date.now() > end) throw error
        await sleep(25)
      }
    }
  }

  /** Cuts all connections and stops in good order. */
  async stop(): Promise<void> {
    await this.#end('SIGINT')
  }

  /** Stops at once, without a checkpoint, as if the machine failed. */
  async stopHard(): Promise<void> {
    await this.#end('SIGQUIT')
  }

  /** Copies the data of the running server, as a backup does. @returns a function that restores the copy while the server is stopped */
  async copyData(): Promise<() => Promise<void>> {
    const copy = join(this.#directory, `copy-${++this.#copies}`)
    this.#run('pg_basebackup', ['-D', copy, '-h', this.#directory, '-U', user, '-c', 'fast', '-X', 'stream', '--no-sync'])
    return async () => {
      if (this.#server) throw new Error('Stop the server before its data is replaced.')
      await rm(this.#data, { recursive: true })
      execFileSync('cp', ['-a', copy, this.#data])
    }
  }

  /** Stops the server and removes its data. */
  async remove(): Promise<void> {
    await this.stopHard()
    await rm(this.#directory, { recursive: true, force: true })
  }

  get #data(): string {
    return join(this.#directory, 'data')
  }

  readonly #atExit = (): void => {
    this.#server?.kill('SIGQUIT')
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    process.removeListener('exit', this.#atExit)
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }

  #run(program: string, options: readonly string[]): void {
    execFileSync(join(this.#programs, program), options, this.#how('pipe'))
  }

  #how(stdio: 'ignore' | 'pipe'): { readonly cwd: string; readonly stdio: typeof stdio; readonly uid?: number; readonly gid?: number } {
    return { cwd: this.#directory, stdio, ...account() }
  }
}

/** The user that the server runs as: the one who runs the tests, unless that is root. */
function account(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function findPrograms(): string {
  const found = places.find((place) => {
    try {
      for (const program of ['initdb', 'postgres', 'pg_basebackup']) accessSync(join(place, program))
      return true
    } catch {
      return false
    }
  })
  if (!found) throw new Error('These tests start a PostgreSQL server, which is not installed here: apt-get install postgresql-15.')
  return found
}
