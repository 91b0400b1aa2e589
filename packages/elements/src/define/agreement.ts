import { defineElement } from '../base/define-element.js'
import { EntenteAgreement } from '../agreement/agreement.js'

defineElement('entente-agreement', EntenteAgreement)

declare global {
  interface HTMLElementTagNameMap {
    'entente-agreement': EntenteAgreement
  }
}
