import './choice.js'
import { defineElement } from '../base/define-element.js'
import { EntenteAudit } from '../audit/audit.js'

defineElement('entente-audit', EntenteAudit)

declare global {
  interface HTMLElementTagNameMap {
    'entente-audit': EntenteAudit
  }
}
