/** The address of the service worker's script. */
const script = `${import.meta.env.BASE_URL}sw.js`

/** The part of Trusted Types that this needs. Not every browser has them. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): { createScriptURL(address: string): unknown }
}
const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes }

/**
 * Under the page policy a worker's address must come from a policy for trusted types. This one gives no other address than the service worker's, and nobody can
 * make it a second time.
 */
const policy = trustedTypes?.createPolicy('entente-worker', {
  createScriptURL(address) {
    if (address !== script) throw new TypeError('The page may run no other worker.')
    return address
  },
})

/** Registers the service worker of this build, or of a newer one where the host has it. */
export function registerWorker(workers: ServiceWorkerContainer): Promise<ServiceWorkerRegistration> {
  return workers.register((policy?.createScriptURL(script) ?? script) as string)
}
