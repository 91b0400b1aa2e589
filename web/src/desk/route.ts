import type { ObjectName } from '@entente/engine'

/** A place in one org's desk. Its text form stands in the address, so that every place has a link. */
export type Route =
  | { readonly page: 'records'; readonly object: ObjectName }
  | { readonly page: 'record'; readonly object: ObjectName; readonly id: string | undefined }
  | { readonly page: 'connections' | 'sync' | 'settings' }
  | { readonly page: 'agreement' | 'people'; readonly connection: string | undefined }
  | { readonly page: 'sharing' | 'site'; readonly connection: string | undefined; readonly object: ObjectName }

export const home: Route = { page: 'records', object: 'Opportunity' }

/** Reads "record/Opportunity/abc". Any other text leads home. */
export function parseRoute(text: string): Route {
  const [page = '', second = '', third = ''] = text.split('/').map(decode)
  const object: ObjectName = second === 'Lead' ? 'Lead' : 'Opportunity'
  switch (page) {
    case 'record':
      return { page, object, id: third === 'new' || third === '' ? undefined : third }
    case 'connections':
    case 'sync':
    case 'settings':
      return { page }
    case 'agreement':
    case 'people':
      return { page, connection: second === '' ? undefined : second }
    case 'sharing':
    case 'site':
      return { page, object, connection: third === '' ? undefined : third }
    default:
      return { page: 'records', object }
  }
}

export function formatRoute(route: Route): string {
  switch (route.page) {
    case 'records':
      return join(route.page, route.object)
    case 'record':
      return join(route.page, route.object, route.id ?? 'new')
    case 'agreement':
    case 'people':
      return join(route.page, route.connection)
    case 'sharing':
    case 'site':
      return join(route.page, route.object, route.connection)
    default:
      return route.page
  }
}

function join(...parts: readonly (string | undefined)[]): string {
  return parts.flatMap((part) => (part === undefined ? [] : encodeURIComponent(part))).join('/')
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}
