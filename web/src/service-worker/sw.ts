import type { WorkboxPlugin } from 'workbox-core'
import { ExpirationPlugin } from 'workbox-expiration'
import { PrecacheController, PrecacheRoute } from 'workbox-precaching'
import { registerRoute } from 'workbox-routing'
import { NetworkFirst } from 'workbox-strategies'
import { opened, pageLock, takeOver } from './contract.js'

// The service worker: it keeps the pages of one build and opens them without a network. It never sees a record; those travel by sockets.

interface BuiltFile {
  readonly url: string
  /** Null where the name holds a hash of the content. */
  readonly revision: string | null
  readonly integrity: string
}

declare const self: ServiceWorkerGlobalScope

/** The build's files. The bundler writes them here, so they are part of this script, which no page can change. */
const files = self.__WB_MANIFEST as readonly BuiltFile[]

/** Every script of an origin may write into its caches. A file that is not the one that was built is not served, but fetched again. */
const asBuilt: WorkboxPlugin = {
  async cachedResponseWillBeUsed({ cachedResponse, request }) {
    if (!cachedResponse) return undefined
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await cachedResponse.clone().arrayBuffer()))
    const integrity = `sha256-${btoa(String.fromCharCode(...digest))}`
    return integrity === precache.getIntegrityForCacheKey(request.url) ? cachedResponse : undefined
  },
}

const precache = new PrecacheController({ plugins: [asBuilt] })
precache.addToCacheList([...files])

const pages = new PrecacheRoute(precache, { ignoreURLParametersMatching: [/./] })
const ownPaths = new Set(files.map(({ url }) => new URL(url, self.location.href).pathname))

// The operator's page comes from the relay that runs, which may be newer, and from here only while none answers.
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && /\/admin(\.html)?$/.test(url.pathname),
  async ({ request }) => fetch(request).catch(async () => (await precache.matchPrecache('admin.html')) ?? Response.error()),
)

// Where the browser has dropped the caches, or the host has a newer build: what the host has.
registerRoute(
  (options) => pages.match(options),
  // Asked for in one way, however the page asks: Workbox mends what is missing only where it may check the hash.
  (options) => precache.strategy.handle({ ...options, request: new Request(options.request.url) }).catch(() => fetch(options.request)),
)

// A page that an earlier build opened may still ask for a file of that build. Other pages of this host have folders of that name too.
const assets = new URL('assets/', self.location.href).href
registerRoute(
  ({ url }) => url.href.startsWith(assets),
  async ({ request }) => (await (await caches.open(precache.strategy.cacheName)).match(request)) ?? fetch(request),
)

// Other pages of this host, which show an org by the elements: from the host, and as last seen while it does not answer.
registerRoute(
  ({ request, sameOrigin }) => sameOrigin && ['document', 'script', 'style', 'image', 'font'].includes(request.destination),
  new NetworkFirst({
    cacheName: 'entente-other-pages',
    plugins: [
      {
        cacheWillUpdate: ({ response }) =>
          Promise.resolve(
            response.status === 200 && !/no-store|private/.test(response.headers.get('cache-control') ?? '') ? response : undefined,
          ),
      },
      new ExpirationPlugin({ maxEntries: 60 }) as WorkboxPlugin,
    ],
  }),
)

self.addEventListener('install', (event) => void precache.install(event))
self.addEventListener('activate', (event) => event.waitUntil(tidy()))
self.addEventListener('message', (event) => {
  if (event.data === opened) event.waitUntil(tidy())
  // A new worker waits until a person asks for it, or until no page is open.
  if (event.data === takeOver) event.waitUntil(self.skipWaiting())
})

/** Deletes the files of earlier builds, once every open page is of this build. A page that has not said yet which one it is of counts as none of it. */
async function tidy(): Promise<void> {
  const { held = [] } = await navigator.locks.query()
  const scripts = held.flatMap(({ name = '' }) => (name.startsWith(pageLock) ? [name.slice(pageLock.length)] : []))
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  if (windows.length > scripts.length || scripts.some((script) => !ownPaths.has(script))) return
  const keep = new Set(precache.getURLsToCacheKeys().values())
  const cache = await caches.open(precache.strategy.cacheName)
  for (const request of await cache.keys()) if (!keep.has(request.url)) await cache.delete(request)
}
