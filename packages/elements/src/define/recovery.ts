import { defineElement } from '../base/define-element.js'
import { EntenteRecovery } from '../recovery/recovery.js'

defineElement('entente-recovery', EntenteRecovery)

declare global {
  interface HTMLElementTagNameMap {
    'entente-recovery': EntenteRecovery
  }
}
