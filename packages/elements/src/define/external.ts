import { defineElement } from '../base/define-element.js'
import { EntenteExternal } from '../mirror/mirrors.js'

defineElement('entente-external', EntenteExternal)

declare global {
  interface HTMLElementTagNameMap {
    'entente-external': EntenteExternal
  }
}
