import type { Plugin } from 'vite'

/**
 * What the app's pages may do, as a content security policy. The relay sends it as a header (`relay-server/src/http/http-handler.ts`); this copy stands in the
 * pages themselves, for every other host.
 *
 * Scripts come from the page's own host only. No text becomes markup: of the places that take markup, only Lit's templates may fill them. No text becomes a
 * script's address, but for those of the service worker and of the worker that reads stores (`worker-policy.ts`). Styles are allowed in attributes, where lists place their rows. A page that dials a relay on another host narrows `connect-src` to that one before it does anything else (`confine`).
 */
export const pagePolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "connect-src 'self' ws: wss:",
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html entente-worker',
].join('; ')

/** Writes the policy into each page that Vite builds or serves. */
export function addPolicy(): Plugin {
  return {
    name: 'entente-policy',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: pagePolicy }, injectTo: 'head-prepend' },
    ],
  }
}

let confinedTo: string | undefined

/**
 * Lets this page connect to its own host and one relay, and to nobody else. Policies only ever become narrower, so nothing that runs in the page can take it
 * back; another relay needs another load of the page.
 *
 * @param relay the relay's socket, `ws://…` or `wss://…`
 */
export function confine(relay: string): void {
  const { origin } = new URL(relay)
  if (confinedTo === origin) return
  confinedTo = origin
  const policy = document.createElement('meta')
  policy.httpEquiv = 'Content-Security-Policy'
  policy.content = `connect-src 'self' ${origin}`
  document.head.append(policy)
}
