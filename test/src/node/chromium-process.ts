import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chromium, type Page } from 'playwright'

/** The machine's Chromium without a window, which calls nobody by itself. */
export const chromiumPath = (): string =>
  process.env['CHROMIUM_BIN'] ?? execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim()

export const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const

/** A Chromium with a profile that outlives it, so that it can be killed and started again. */
export class ChromiumProcess {
  readonly page: Page
  readonly #child: ChildProcess

  /** Starts it on a profile directory. @throws where it does not listen for a debugger within 30 s */
  static async start(profile: string): Promise<ChromiumProcess> {
    const { child, address } = await startChromium(profile)
    const browser = await chromium.connectOverCDP(address)
    const [context] = browser.contexts()
    const page = context?.pages()[0] ?? (await context?.newPage())
    if (!page) throw new Error('Chromium has no page.')
    return new ChromiumProcess(child, page)
  }

  private constructor(child: ChildProcess, page: Page) {
    this.#child = child
    this.page = page
  }

  /** Kills all of its processes with SIGKILL, and resolves when they are gone. */
  kill(): Promise<void> {
    return killChromium(this.#child)
  }
}

/** @returns the process, and where its debugger listens. @throws where it does not listen within 30 s */
export async function startChromium(profile: string): Promise<{ readonly child: ChildProcess; readonly address: string }> {
  const args = [
    ...chromiumFlags,
    '--headless=new',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
    '--lang=en-GB',
    'about:blank',
  ]
  // A process group of its own: one signal reaches all of its processes at once.
  const child = spawn(chromiumPath(), args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  const address = await new Promise<string>((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => reject(new Error(`Chromium does not listen: ${said.slice(-2_000)}`)), 30_000)
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString()
      const found = /DevTools listening on (\S+)/.exec(said)?.[1]
      if (found === undefined) return
      clearTimeout(timer)
      resolve(found)
    })
    child.once('error', reject)
  })
  return { child, address }
}

/**
 * Kills a process group with SIGKILL, and resolves when all of its processes are gone: they share the pipe of the first, which closes with the last of them. One that
 * lived on for a moment might still write to the profile, or hold its locks.
 */
export async function killChromium(child: ChildProcess): Promise<void> {
  const { pid } = child
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('close', resolve))
  process.kill(-pid, 'SIGKILL')
  await ended
}
