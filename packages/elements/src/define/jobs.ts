import { defineElement } from '../base/define-element.js'
import { EntenteJobs } from '../jobs/jobs.js'

defineElement('entente-jobs', EntenteJobs)

declare global {
  interface HTMLElementTagNameMap {
    'entente-jobs': EntenteJobs
  }
}
