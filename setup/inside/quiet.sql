-- Run in every database that the set-up makes: before modules are installed, and again when they are.
-- Nothing may phone out, so these must not install themselves:
--   partner_autocomplete  asks an outside service about the company's domain at first login
--   crm_iap_enrich        sends leads' e-mail addresses out by a cron
--   crm_iap_mine          buys leads
--   account_peppol        looks a customer's tax number up on the network when the contact is saved
UPDATE ir_module_module SET auto_install = false
 WHERE name IN ('partner_autocomplete', 'crm_iap_enrich', 'crm_iap_mine', 'account_peppol');

INSERT INTO ir_config_parameter (key, value, create_uid, write_uid, create_date, write_date)
VALUES ('crm.iap.lead.enrich.setting', 'manual', 1, 1, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

UPDATE ir_cron SET active = false
 WHERE id IN (SELECT res_id FROM ir_model_data
               WHERE module = 'mail' AND name = 'ir_cron_module_update_notification');

DO $$
DECLARE unwanted text;
BEGIN
    SELECT string_agg(name, ', ') INTO unwanted FROM ir_module_module
     WHERE name IN ('partner_autocomplete', 'crm_iap_enrich', 'crm_iap_mine', 'account_peppol')
       AND state NOT IN ('uninstalled', 'uninstallable');
    IF unwanted IS NOT NULL THEN
        RAISE EXCEPTION 'modules that phone out are installed: %', unwanted;
    END IF;
END $$;
