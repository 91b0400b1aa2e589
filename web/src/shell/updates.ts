import { takeOver } from '../service-worker/contract.js'
import { showUpdateNotice } from './update-notice.js'

/** How often an open page asks its host for a newer version, in ms. The browser asks too, whenever a page is opened. */
const everyMs = 3_600_000

/**
 * Says when a newer version has been fetched, and loads it when the person asks for it. No page is ever reloaded otherwise: another tab that took the new version
 * leaves this one as it is, with the files of its own version.
 */
export function followUpdates(workers: ServiceWorkerContainer, registration: ServiceWorkerRegistration): void {
  // Without it this is the first visit, and the worker that comes is of this version.
  const wasControlled = workers.controller !== null
  const offer = (): void => {
    const { waiting } = registration
    if (waiting && registration.active) showUpdateNotice(() => reloadWith(registration))
  }
  offer()
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', offer)
  })
  // Another tab took it.
  workers.addEventListener('controllerchange', () => {
    if (wasControlled) showUpdateNotice(() => reloadWith(registration))
  })
  const ask = (): void => void registration.update().catch(() => undefined)
  setInterval(ask, everyMs)
  addEventListener('online', ask)
}

/** The usual warning of a page with unsaved input still comes, and its “stay” leaves this page working. */
function reloadWith({ waiting }: ServiceWorkerRegistration): void {
  if (!waiting) return location.reload()
  waiting.addEventListener('statechange', () => waiting.state === 'activated' && location.reload())
  waiting.postMessage(takeOver)
}
