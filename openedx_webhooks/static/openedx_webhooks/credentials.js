/* Of the credentials, shows those of the chosen kind of authentication. Without this script all of them are there. */
'use strict';
document.addEventListener('DOMContentLoaded', () => {
    const select = document.querySelector('select[name="authentication"]');
    const box = document.querySelector('.owh-credentials');
    if (!select || !box) {
        return;
    }
    const show = () => {
        let found = false;
        box.querySelectorAll('[data-kind]').forEach((kind) => {
            kind.hidden = kind.dataset.kind !== select.value;
            found = found || !kind.hidden;
        });
        box.closest('.form-row').hidden = !found && !box.closest('.form-row').querySelector('.errorlist');
    };
    box.classList.add('owh-credentials-chosen');
    select.addEventListener('change', show);
    show();
});
