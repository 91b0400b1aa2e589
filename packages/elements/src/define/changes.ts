import { defineElement } from '../base/define-element.js'
import { EntenteChanges } from '../peers/changes.js'

defineElement('entente-changes', EntenteChanges)

declare global {
  interface HTMLElementTagNameMap {
    'entente-changes': EntenteChanges
  }
}
