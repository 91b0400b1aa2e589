import { fileURLToPath } from 'node:url'
import { type LeftOut, leftOutNamed } from './rules.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** What vite calls with each file that it loads. */
interface Transform {
  readonly name: string
  readonly enforce: 'pre'
  transform(source: string, id: string): { readonly code: string; readonly map: null } | undefined
}

/**
 * Leaves one rule out of the sources that vite loads, and changes no file on the disk. The environment variable LEFT_OUT names the entry, such as `RO1/2`, at the moment
 * in which a file is loaded; without the variable nothing is ever left out.
 *
 * @throws Error where the table has no such entry, or the file does not hold its text once
 */
export function leaveOut(): readonly Transform[] {
  if (process.env['LEFT_OUT'] === undefined) return []
  return [
    {
      name: 'entente-left-out',
      enforce: 'pre',
      transform(source, id) {
        const entry = process.env['LEFT_OUT'] ? leftOutNamed(process.env['LEFT_OUT']) : undefined
        return entry && id.split('?')[0] === `${root}${entry.file}` ? { code: without(source, entry), map: null } : undefined
      },
    },
  ]
}

/** A source without what carries out a rule. @throws Error where it does not hold the entry's text once */
export function without(source: string, { file, text, instead }: LeftOut): string {
  if (source.split(text).length !== 2) throw new Error(`${file} holds this text not once: ${text}`)
  return source.replace(text, () => instead)
}
