import { defineElement } from '../base/define-element.js'
import { EntenteStatus } from '../status/status.js'

defineElement('entente-status', EntenteStatus)

declare global {
  interface HTMLElementTagNameMap {
    'entente-status': EntenteStatus
  }
}
