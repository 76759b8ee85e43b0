<?php
// A receiver that lets one mail domain register.
// To try it: WEBHOOK_SECRET=whsec_… php -S 0.0.0.0:8080 answer_webfilters.php

const TOLERANCE_SECONDS = 5 * 60;
const MOST_BYTES = 1024 * 1024;

/** What may happen: an empty object lets it pass. */
function answer(string $filterName, array $payload): array|object
{
    if ($filterName !== 'StudentRegistrationRequested') {
        return new stdClass();
    }
    $form = is_array($payload['form_data'] ?? null) ? $payload['form_data'] : [];
    if (!str_ends_with(strtolower(text($form['email'] ?? null)), '@example.com')) {
        return ['exception' => ['PreventRegistration' => 'Register with the address of your company.']];
    }
    return ['data' => ['form_data' => ['name' => ucwords(strtolower(text($form['name'] ?? null)))]]];
}

/** A field of a form: whoever fills in the form may send it twice (a list), or not at all. */
function text(mixed $value): string
{
    return is_string($value) ? $value : '';
}

/** Whether it is the LMS that asks, now. */
function verified(string $id, string $timestamp, string $signatures, string $body): bool
{
    if (!preg_match('/^\d{1,12}$/D', $timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', getenv('WEBHOOK_SECRET')), true);
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    // During the rotation of a secret there are two signatures, separated by a space.
    foreach (explode(' ', $signatures) as $one) {
        if (hash_equals($expected, $one)) {
            return true;
        }
    }
    return false;
}

/** The status and what to answer. */
function respond(): array
{
    $body = file_get_contents('php://input'); // The bytes as they came, not $_POST.
    if (strlen($body) > MOST_BYTES) {
        return [413, new stdClass()];
    }
    $signatures = $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!verified($_SERVER['HTTP_WEBHOOK_ID'] ?? '', $timestamp, $signatures, $body)) {
        return [401, new stdClass()];
    }
    $payload = json_decode($body, true);
    $name = $payload['event_metadata']['event_name'] ?? null;
    if (!is_array($payload) || !is_string($name)) {
        return [400, new stdClass()]; // A form, or what a shape has made of it.
    }
    return [200, answer($name, $payload)];
}

[$status, $content] = respond();
http_response_code($status);
header('Content-Type: application/json');
echo json_encode($content);
