// oxlint-disable-next-line import/default -- the bundler makes this export: the address of the script
import storeWorker from '@entente/browser/store-worker?worker&url'

/** The address of the service worker's script. */
const serviceWorker = `${import.meta.env.BASE_URL}sw.js`

/** The part of Trusted Types that this needs. Not every browser has them. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): { createScriptURL(address: string): unknown }
}
const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes }

/**
 * Under the page policy a worker's address must come from a policy for trusted types. This one gives the addresses of this app's two workers and no other, and nobody can
 * make it a second time.
 */
const policy = trustedTypes?.createPolicy('entente-worker', {
  createScriptURL(address) {
    if (address !== serviceWorker && address !== storeWorker) throw new TypeError('The page may run no other worker.')
    return address
  },
})

/** Registers the service worker of this build, or of a newer one where the host has it. */
export function registerWorker(workers: ServiceWorkerContainer): Promise<ServiceWorkerRegistration> {
  return workers.register(trusted(serviceWorker))
}

/** Starts the worker that reads the stores of this page's orgs. Only while the app is edited its script is a module: a built one loads no other. */
export const startStoreWorker = (): Worker =>
  new Worker(trusted(storeWorker), { name: 'entente-store', type: import.meta.env.DEV ? 'module' : 'classic' })

const trusted = (script: string): string => (policy?.createScriptURL(script) ?? script) as string
