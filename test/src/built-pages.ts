import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Runs around all stories: the files that open pages share one build of them, which the first that needs it makes.

const directory = mkdtempSync(join(tmpdir(), 'entente-built-'))

export function setup(): void {
  process.env['ENTENTE_BUILT_PAGES'] = directory
}

export function teardown(): void {
  rmSync(directory, { recursive: true, force: true })
}
