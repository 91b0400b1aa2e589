import { defineElement } from '../base/define-element.js'
import { EntenteExternal } from '../external/external.js'

defineElement('entente-external', EntenteExternal)

declare global {
  interface HTMLElementTagNameMap {
    'entente-external': EntenteExternal
  }
}
