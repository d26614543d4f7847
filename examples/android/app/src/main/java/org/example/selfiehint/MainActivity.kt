package org.example.selfiehint

import android.net.Uri
import android.os.Bundle
import android.widget.Button
import androidx.activity.result.contract.ActivityResultContracts.GetContent
import androidx.appcompat.app.AlertDialog
import androidx.appcompat.app.AppCompatActivity

class MainActivity : AppCompatActivity() {
    private lateinit var hint: SelfieHint
    private val choose = registerForActivityResult(GetContent()) { photo -> photo?.let(::offer) }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        hint = SelfieHint(this)
        val button = Button(this).apply { text = "Choose a photo to upload" }
        button.setOnClickListener { choose.launch("image/*") }
        setContentView(button)
    }

    override fun onDestroy() {
        hint.close()
        super.onDestroy()
    }

    private fun offer(photo: Uri) = hint.ask(photo) { selfie ->
        if (selfie == true) warn(photo) else upload(photo)
    }

    private fun warn(photo: Uri) {
        AlertDialog.Builder(this)
            .setMessage("This looks like a selfie. If that is what you want to share, just go on.")
            .setPositiveButton("Upload") { _, _ -> upload(photo) }
            .setNegativeButton("Choose another") { _, _ -> choose.launch("image/*") }
            .show()
    }

    private fun upload(photo: Uri) {
        // Your app's own way.
    }
}
