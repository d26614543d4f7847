package org.example.selfiehint

import android.annotation.SuppressLint
import android.content.Context
import android.net.Uri
import android.os.Handler
import android.os.Looper
import android.webkit.JavascriptInterface
import android.webkit.RenderProcessGoneDetail
import android.webkit.WebResourceRequest
import android.webkit.WebResourceResponse
import android.webkit.WebView
import android.webkit.WebViewClient
import androidx.webkit.WebViewAssetLoader
import java.io.InputStream
import java.util.concurrent.ConcurrentHashMap

/** Tells whether photos look like selfies, in a WebView that is never shown. Main thread only. */
class SelfieHint(private val context: Context) {
    private val main = Handler(Looper.getMainLooper())
    private val photos = ConcurrentHashMap<Int, Uri>() // the WebView's threads look into it too
    private val answers = mutableMapOf<Int, (Boolean?) -> Unit>()
    private val loader = WebViewAssetLoader.Builder()
        .addPathHandler("/assets/selfie/photo/") { path -> respond(path) }
        .addPathHandler("/assets/", WebViewAssetLoader.AssetsPathHandler(context))
        .build()
    private var last = 0
    private var closed = false
    private var ready = false
    private var page = open()

    /** Ask about a photo; `answer` is called once, with null where nothing can be told in time. */
    fun ask(photo: Uri, answer: (Boolean?) -> Unit) {
        if (page == null && !closed) page = open()
        if (page == null) return answer(null)
        val id = ++last
        photos[id] = photo
        answers[id] = answer
        main.postDelayed({ finish(id, null) }, LIMIT_MS)
        if (ready) check(id) // otherwise as soon as the page is
    }

    /** Let go of the WebView; whoever still waits is answered with null. */
    fun close() {
        closed = true
        drop()
        main.removeCallbacksAndMessages(null)
    }

    @SuppressLint("SetJavaScriptEnabled") // the page is the app's own
    private fun open(): WebView? {
        if (WebView.getCurrentWebViewPackage() == null) return null // switched off on this phone
        return WebView(context).apply {
            settings.javaScriptEnabled = true
            settings.blockNetworkLoads = true // the loader has all there is
            webViewClient = object : WebViewClient() {
                override fun shouldInterceptRequest(view: WebView, request: WebResourceRequest) =
                    loader.shouldInterceptRequest(request.url)

                override fun onRenderProcessGone(
                    view: WebView,
                    detail: RenderProcessGoneDetail,
                ): Boolean {
                    drop() // the next question opens another
                    return true // or the app would end with it
                }
            }
            addJavascriptInterface(Bridge(), "hint")
            loadUrl("https://${WebViewAssetLoader.DEFAULT_DOMAIN}/assets/selfie/bridge.html")
        }
    }

    private fun drop() {
        page?.destroy()
        page = null
        ready = false
        for (id in answers.keys.toList()) finish(id, null)
    }

    private fun check(id: Int) = page?.evaluateJavascript("check($id)", null)

    private fun finish(id: Int, selfie: Boolean?) {
        photos.remove(id)
        answers.remove(id)?.invoke(selfie)
    }

    private fun respond(path: String): WebResourceResponse {
        // What is thrown here would end the app; without a stream the page meets a 404.
        val stream = runCatching { photos[path.toInt()]?.let(::read) }.getOrNull()
        return WebResourceResponse("application/octet-stream", null, stream)
    }

    private fun read(photo: Uri): InputStream? {
        val file = context.contentResolver.openAssetFileDescriptor(photo, "r") ?: return null
        if (file.length <= MAX_BYTES) return file.createInputStream() // or the length is unknown
        file.close()
        return null
    }

    /** What the page calls, on a thread of the WebView. */
    private inner class Bridge {
        @JavascriptInterface
        fun ready() {
            main.post {
                ready = true
                for (id in answers.keys) check(id)
            }
        }

        @JavascriptInterface
        fun tell(id: Int, label: String) {
            val selfie = mapOf("selfie" to true, "not_selfie" to false)[label]
            main.post { finish(id, selfie) }
        }
    }

    private companion object {
        const val LIMIT_MS = 2000L // nobody should wait longer for a hint
        const val MAX_BYTES = 64L shl 20 // larger photos go without one
    }
}
