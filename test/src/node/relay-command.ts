import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(import.meta.resolve('@entente/relay-server/main'))

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
