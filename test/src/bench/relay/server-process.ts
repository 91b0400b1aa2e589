import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'

export const peerNames = ['bare-ws', 'echo-fsync', 'y-websocket', 'hocuspocus'] as const
export type PeerName = (typeof peerNames)[number]

const relay = fileURLToPath(import.meta.resolve('@entente/relay-server/main'))
// From dist as from src, three levels below the room.
const peers = fileURLToPath(new URL('../../../bench/', import.meta.url))

/** Installs the peers where they are missing. They are no dependency of ours, so the root install leaves them out. @throws Error when npm fails */
export function installPeers(): void {
  if (existsSync(join(peers, 'node_modules'))) return
  process.stderr.write('Installing the servers to compare with: npm ci --prefix test/bench\n')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', peers], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error('The servers to compare with could not be installed; see what npm wrote above.')
}

/** A server under measure: a process of its own on loopback, its data in a directory of its own. */
export class ServerProcess {
  readonly port: number
  readonly #child: ChildProcess
  readonly #directory: string
  #inspecting: Promise<string> | undefined

  private constructor(port: number, child: ChildProcess, directory: string) {
    this.port = port
    this.#child = child
    this.#directory = directory
  }

  /** Starts our relay as its operator would. @param extra flags of `entente-relay serve` */
  static relay(extra: readonly string[] = []): Promise<ServerProcess> {
    return launch((directory) => [relay, 'serve', '--port', '0', '--data', directory, ...extra])
  }

  /** Starts one of the servers in test/bench/peers. */
  static peer(name: PeerName): Promise<ServerProcess> {
    return launch((directory) => [join(peers, 'peers', `${name}.mjs`), directory])
  }

  static of(port: number, child: ChildProcess, directory: string): ServerProcess {
    return new ServerProcess(port, child, directory)
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  /** Resident memory in bytes. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024
  }

  /** Has all garbage collected, so that what is left is what is needed. */
  async collectGarbage(): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${await this.#inspector()}/json/list`)
    const [{ webSocketDebuggerUrl }] = (await answer.json()) as [{ readonly webSocketDebuggerUrl: string }]
    const inspector = new WebSocket(webSocketDebuggerUrl)
    await new Promise((resolve, reject) => inspector.once('open', resolve).once('error', reject))
    for (const id of [1, 2]) {
      inspector.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }))
      await new Promise((resolve) => inspector.once('message', resolve))
    }
    inspector.terminate()
  }

  /** Processor time used so far, in ms, all threads. */
  async busyMs(): Promise<number> {
    const fields = (await readFile(`/proc/${this.#child.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
    // User and system time in ticks of 10 ms, the 14th and 15th field of the line, whose first two are cut off here.
    return (Number(fields[11]) + Number(fields[12])) * 10
  }

  /** The port of the process's inspector, which Node opens on a signal, and tells of once. */
  #inspector(): Promise<string> {
    this.#inspecting ??= this.#inspect()
    return this.#inspecting
  }

  async #inspect(): Promise<string> {
    const said = new Promise<string>((resolve) => {
      this.#child.stderr?.on('data', (data: Buffer) => {
        const port = /Debugger listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(data.toString())?.[1]
        if (port) resolve(port)
      })
    })
    this.#child.kill('SIGUSR1')
    return said
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    // A profiler writes what it has when the server ends by itself.
    this.#child.kill(process.env['BENCH_NODE_OPTIONS'] ? 'SIGTERM' : 'SIGKILL')
    await gone
    await rm(this.#directory, { recursive: true, force: true })
  }
}

async function launch(args: (directory: string) => readonly string[]): Promise<ServerProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'entente-bench-'))
  // BENCH_NODE_OPTIONS lets whoever looks for where the time goes start the servers with a profiler.
  const options = process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? []
  const child = spawn(process.execPath, ['--inspect-port=0', ...options, ...args(directory)], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr.on('data', (data: Buffer) => {
    if (!/Debugger|inspector/.test(data.toString())) process.stderr.write(data)
  })
  // A bench that fails leaves no server behind.
  const end = (): boolean => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = line.includes('"listening"') ? /"port":(\d+)/.exec(line)?.[1] : undefined
      if (found) resolve(Number(found))
    })
    child.once('exit', (code) => reject(new Error(`A server ended with ${code} before it listened.`)))
  })
  return ServerProcess.of(port, child, directory)
}
