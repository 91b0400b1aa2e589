import type { ListState } from '@entente/elements'
import type { ObjectName } from '@entente/engine'
import { formatList, parseList } from './list-query.js'

/** A place in one org's desk. Its text form stands in the address, so that every place has a link. */
export type Route =
  /** A list that nobody has changed has no `list`. */
  | { readonly page: 'records'; readonly object: ObjectName; readonly list?: ListState }
  | { readonly page: 'record'; readonly object: ObjectName; readonly id: string | undefined }
  | { readonly page: 'changes' | 'differences' | 'connections' | 'devices' | 'sync' }
  | { readonly page: 'agreement' | 'people'; readonly connection: string | undefined }
  /** A part of the settings is about one connection; the audit is about all where none is named. */
  | { readonly page: 'settings' | 'audit'; readonly connection: string | undefined }
  | { readonly page: 'sharing'; readonly connection: string | undefined; readonly object: ObjectName }
  | { readonly page: 'site'; readonly connection: string | undefined; readonly object: ObjectName; readonly list?: ListState }

export const home: Extract<Route, { readonly page: 'records' }> = { page: 'records', object: 'Opportunity' }

/** Reads "record/Opportunity/abc", and "records/Opportunity?find=router" of a list. Any other text leads home. */
export function parseRoute(text: string): Route {
  const [path = '', query = ''] = splitOnce(text, '?')
  const [page = '', second = '', third = ''] = path.split('/').map(decode)
  const list = query === '' ? {} : { list: parseList(query) }
  const object: ObjectName = second === 'Lead' ? 'Lead' : 'Opportunity'
  switch (page) {
    case 'record':
      return { page, object, id: third === 'new' || third === '' ? undefined : third }
    case 'changes':
    case 'differences':
    case 'connections':
    case 'devices':
    case 'sync':
      return { page }
    case 'agreement':
    case 'people':
    case 'settings':
    case 'audit':
      return { page, connection: second === '' ? undefined : second }
    case 'sharing':
      return { page, object, connection: third === '' ? undefined : third }
    case 'site':
      return { page, object, connection: third === '' ? undefined : third, ...list }
    case 'records':
      return { page, object, ...list }
    default:
      return { page: 'records', object }
  }
}

export function formatRoute(route: Route): string {
  switch (route.page) {
    case 'records':
      return withList(join(route.page, route.object), route.list)
    case 'record':
      return join(route.page, route.object, route.id ?? 'new')
    case 'agreement':
    case 'people':
    case 'settings':
    case 'audit':
      return join(route.page, route.connection)
    case 'sharing':
      return join(route.page, route.object, route.connection)
    case 'site':
      return withList(join(route.page, route.object, route.connection), route.list)
    default:
      return route.page
  }
}

function join(...parts: readonly (string | undefined)[]): string {
  return parts.flatMap((part) => (part === undefined ? [] : encodeURIComponent(part))).join('/')
}

function withList(path: string, list: ListState | undefined): string {
  const query = list ? formatList(list) : ''
  return query === '' ? path : `${path}?${query}`
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}
