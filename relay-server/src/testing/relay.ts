import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RelayConfig } from '../config/config.js'
import { createLog } from '../log.js'
import { type RunningRelay, startRelay } from '../relay.js'

/** A relay in this process, for tests, with a free port and a directory of its own. */
export class TestRelay {
  readonly #settings: Partial<RelayConfig>
  readonly #root: string
  /** Every line that the relay logged. */
  readonly lines: string[] = []
  #running: RunningRelay

  private constructor(settings: Partial<RelayConfig>, root: string, running: RunningRelay, lines: string[]) {
    this.#settings = settings
    this.#root = root
    this.#running = running
    this.lines = lines
  }

  static async start(settings: Partial<RelayConfig> = {}): Promise<TestRelay> {
    const root = await mkdtemp(join(tmpdir(), 'entente-relay-'))
    const lines: string[] = []
    const whole = { port: 0, data: join(root, 'data'), ...settings }
    return new TestRelay(whole, root, await startRelay(whole, logTo(lines)), lines)
  }

  get url(): string {
    return this.#running.url
  }

  get port(): number {
    return this.#running.port
  }

  /** Opens what is for the operator alone. */
  get adminToken(): string {
    return this.#running.adminToken
  }

  get data(): string {
    return join(this.#root, 'data')
  }

  /** Asks as the operator does, with the admin token. @param path of the figures or the status */
  ask(path: string): Promise<Response> {
    return fetch(this.url + path, { headers: { authorization: `Bearer ${this.adminToken}` } })
  }

  /** Closes the relay, runs `meanwhile` on its directory, and starts it again on the same port. */
  async restart(meanwhile: (data: string) => Promise<void> = async () => {}): Promise<void> {
    const { port } = this.#running
    await this.#running.close()
    await meanwhile(this.data)
    this.#running = await startRelay({ ...this.#settings, port }, logTo(this.lines))
  }

  /** Copies the directory of the closed relay. @returns a function that restores the copy */
  async backUp(): Promise<() => Promise<void>> {
    const copy = join(this.#root, 'backup')
    await cp(this.data, copy, { recursive: true })
    return async () => {
      await rm(this.data, { recursive: true, force: true })
      await cp(copy, this.data, { recursive: true })
    }
  }

  async stop(): Promise<void> {
    await this.#running.close()
    await rm(this.#root, { recursive: true, force: true })
  }
}

function logTo(lines: string[]): ReturnType<typeof createLog> {
  return createLog('debug', (line) => lines.push(line))
}
