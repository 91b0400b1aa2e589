import { EngineError } from './error.js'
import { isWellFormed } from './schema/value.js'

/** The most characters of an org's or a person's name: other orgs refuse a longer one. */
export const maxNameLength = 200

/**
 * A name as it is kept, without spaces around it. Checked where it is typed, so that no name is made that another org refuses (rule IS3).
 *
 * @param what such as "The name of the org"
 * @throws EngineError INVALID
 */
export function checkedName(text: string, what: string): string {
  const name = text.trim()
  if (name !== '' && name.length <= maxNameLength && isWellFormed(name)) return name
  throw new EngineError('INVALID', `${what} must have 1 to ${maxNameLength} characters. Correct it.`)
}
