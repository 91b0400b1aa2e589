import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(import.meta.resolve('@entente/relay-server/main'))

/** A relay as its operator runs it: its own process, its own directory, on a port that stays the same over restarts. */
export class RelayProcess {
  readonly directory: string
  port = 0
  /** Everything the process wrote, for tests that look for what must not be there. */
  readonly output: string[] = []
  #child: ChildProcess | undefined
  #ended: Promise<number | undefined> = Promise.resolve(undefined)

  constructor(directory: string) {
    this.directory = directory
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/socket`
  }

  /** Where plain HTTP answers: `http://host:port`. */
  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The link to the operator's page, with the token, that the present process prints once it listens. */
  async adminLink(): Promise<string> {
    for (;;) {
      const link = this.output.findLast((line) => line.includes('#token='))?.match(/http\S+/)?.[0]
      if (link !== undefined) return link
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Resolves with the exit code of the present process once it has ended, undefined where a signal ended it. */
  get ended(): Promise<number | undefined> {
    return this.#ended
  }

  /** Starts and resolves when the relay listens. @throws when it ends before that. */
  async start(extra: readonly string[] = [], environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const args = [main, 'serve', '--port', String(this.port), '--data', this.directory, ...extra]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } })
    this.#child = child
    this.#ended = new Promise((resolve) => child.once('exit', (code) => resolve(code ?? undefined)))
    child.stderr.on('data', (data: Buffer) => this.output.push(data.toString()))
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.output.push(line)
        const port = /"port":(\d+)/.exec(line)?.[1]
        if (line.includes('"listening"') && port) {
          this.port = Number(port)
          resolve()
        }
      })
      child.once('error', reject)
      // Not `exit`: by `close` all that it wrote has been read.
      child.once('close', (code) =>
        reject(new Error(`The relay ended with ${code} before it listened:\n${this.output.slice(-5).join('\n')}`)),
      )
    })
  }

  /** Sends a signal and goes on. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Ends it the hard way, as a power cut would: no handler runs. Or with another signal, and resolves when it has ended. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await this.#ended
  }

  /** Deletes all that the relay kept. Only while it is not running. */
  async loseDisk(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }

  /** Resident memory in bytes, where the system tells (Linux). */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.#child?.pid}/status`, 'utf8').catch(() => '')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
  }
}

export interface CommandOutcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `entente-relay` with these words, as an operator does, and resolves when it has ended, however it ended. */
export function relayCommand(...words: readonly string[]): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...words], (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}
